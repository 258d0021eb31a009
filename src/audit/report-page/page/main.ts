export {};
document.documentElement.dataset.script = 'on';
