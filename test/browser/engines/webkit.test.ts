import { launchWebKit, WEBKIT } from '../support/webkit.js';
import { tellStories } from './stories.js';

tellStories(WEBKIT, launchWebKit);
