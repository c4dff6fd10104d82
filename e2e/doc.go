// Package e2e holds the tests that see Rollcall as its users do: they start the built program, open its pages in
// headless Chromium, click and type there, and look at what is shown. It imports nothing of ours. TestSmoke does the
// essentials in Firefox and WebKit, too.
//
// Each person of a test has a profile of their own, so cookies differ; where the browser itself matters (it is killed)
// they have a process of their own too. Every page opened anywhere is watched from its first moment: each state that a
// row ever showed is recorded, and a console error, an exception, a breach of the content security policy or an answer
// without that policy fails the test.
//
// Nothing sleeps: tests poll for what they wait for, with bounds far above what is promised, and check promised bounds
// by the time stamps of what was recorded.
//
// The folder screenshots holds the program that draws the pictures of the README.
package e2e
