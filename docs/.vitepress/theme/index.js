import DefaultTheme from 'vitepress/theme';
import { h } from 'vue';
import Alike from './Alike.vue';
import WhatIsIt from './WhatIsIt.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  Layout: () =>
    h(DefaultTheme.Layout, null, { 'home-features-before': () => h('div', { class: 'live' }, h(WhatIsIt)) }),
  enhanceApp: ({ app }) => app.component('WhatIsIt', WhatIsIt).component('Alike', Alike),
};
