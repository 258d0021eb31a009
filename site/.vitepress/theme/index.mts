import { onContentUpdated, type Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import { h } from 'vue';
import './style.css';

export default {
  extends: DefaultTheme,
  Layout: {
    setup() {
      // The theme's home page has no main landmark.
      onContentUpdated(() => document.querySelector('.VPContent.is-home')?.setAttribute('role', 'main'));
      return () => h(DefaultTheme.Layout);
    },
  },
} satisfies Theme;
