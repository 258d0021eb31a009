import { CHROMIUM, launchChromium } from '../support/chromium.js';
import { tellStories } from './stories.js';

tellStories(CHROMIUM, launchChromium);
