import { createApp } from 'vue';
import { authPlugin } from 'nestjs-silent-auth-client/vue';
import '../../style.css';
import App from './app.vue';
import { auth } from './auth';

// Restores an existing session. If the server does not answer, the client retries by itself.
auth.restore().catch(() => undefined);

createApp(App).use(authPlugin(auth)).mount('#app');
