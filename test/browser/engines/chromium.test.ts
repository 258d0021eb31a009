import { CHROMIUM, launchWholeChromium } from '../support/chromium.js';
import { tellStories } from './stories.js';

tellStories(CHROMIUM, launchWholeChromium);
