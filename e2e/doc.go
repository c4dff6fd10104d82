// Package e2e tests Rollcall as people use it: the tests start the built program, open its pages in headless Chromium,
// click and type, and check what the pages show. It imports no other package of Rollcall. TestSmoke also runs in
// Firefox and WebKit.
//
// Each person in a test has their own browser profile, and their own browser process where the test kills it. Every
// page is watched from the start: each state that a row ever shows is recorded, and a console error, an exception, a
// violation of the content security policy, or a response without that policy fails the test.
//
// Tests poll for what they wait for, with generous limits, and check promised times by the recorded timestamps.
//
// The folder screenshots has the program that takes the screenshots for the README.
package e2e
