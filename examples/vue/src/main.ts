import { createApp } from 'vue';
import { authPlugin } from 'nestjs-silent-auth-client/vue';
import '../../style.css';
import App from './app.vue';
import { auth } from './auth';

// Whoever was signed in still is. If the server cannot be asked, the client goes on asking by itself.
auth.restore().catch(() => undefined);

createApp(App).use(authPlugin(auth)).mount('#app');
