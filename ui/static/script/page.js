// The files of this folder are one script, in the order that ui/build.mjs gives, inside one function. It stands before htmx
// in the same file, so that it hears the first connection, and so it touches nothing of the page before an event says that
// the page is there. Without it every page still works, only not live.
const root = document.documentElement;
const byId = id => document.getElementById(id);
