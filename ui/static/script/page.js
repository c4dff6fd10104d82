// ui/build.mjs joins the files of this folder, except passkey.js, in one function. The function runs before htmx, so that
// it gets the event of the first connection. It runs before the document is parsed as well, so it must wait for an event
// before it uses any elements. Pages work without this script, but they aren't live.
const root = document.documentElement;
const byId = id => document.getElementById(id);
