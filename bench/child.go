package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	startWait = 20 * time.Second
	stopWait  = 12 * time.Second // a server stops within 10
)

// child is a program that the bench starts and stops. It isn't safe for concurrent use.
type child struct {
	name string // for error messages
	log  *os.File

	cmd     *exec.Cmd // nil: not running
	exited  chan error
	began   time.Time
	startup time.Duration // from start until it was ready
}

// start starts cmd and waits until ready reports true.
func (c *child) start(ctx context.Context, cmd *exec.Cmd, ready func() bool) error {
	cmd.Stdout, cmd.Stderr = c.log, c.log
	c.began = time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	c.cmd, c.exited = cmd, exited
	if err := c.await(ctx, ready); err != nil {
		_ = c.stop() // err says more than the exit status
		return err
	}
	c.startup = time.Since(c.began)
	return nil
}

func (c *child) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWait, fmt.Errorf("%s was not ready after %v", c.name, startWait))
	defer cancel()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !ready() {
		select {
		case <-poll.C:
		case err := <-c.exited:
			c.cmd = nil
			return fmt.Errorf("%s exited before it was ready: %w\n%s", c.name, err, c.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", context.Cause(ctx), c.lastLines())
		}
	}
	return nil
}

// stop stops the program with SIGTERM, as a supervisor would. If the program isn't running, stop does nothing.
func (c *child) stop() error {
	if c.cmd == nil {
		return nil
	}
	defer func() { c.cmd = nil }()
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails if the program has exited; c.exited has the reason then
	select {
	case err := <-c.exited:
		if err != nil {
			return fmt.Errorf("%s failed: %w\n%s", c.name, err, c.lastLines())
		}
		return nil
	case <-time.After(stopWait):
		_ = c.cmd.Process.Kill()
		<-c.exited
		return fmt.Errorf("%s was still running %v after SIGTERM\n%s", c.name, stopWait, c.lastLines())
	}
}

// process returns the running process, to measure its processor time and memory.
func (c *child) process() process {
	if c.cmd == nil {
		return process{}
	}
	return process{c.cmd.Process.Pid}
}

// lastLines returns the end of the program's output.
func (c *child) lastLines() string {
	output, _ := os.ReadFile(c.log.Name())
	return string(output[max(0, len(output)-2000):])
}
