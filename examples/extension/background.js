const MENU = { id: 'what', title: 'What is it?', contexts: ['image'] };
const open = (src) => chrome.tabs.create({ url: `page.html${src ? `?src=${encodeURIComponent(src)}` : ''}` });

chrome.runtime.onInstalled.addListener(() => chrome.contextMenus.create(MENU));
chrome.contextMenus.onClicked.addListener(({ srcUrl }) => open(srcUrl));
chrome.action.onClicked.addListener(() => open());
