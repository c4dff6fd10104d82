//go:build !linux

package main

import "errors"

var errLinuxOnly = errors.New("this works on Linux alone")

func (identity) take(string) error { return errLinuxOnly }

func (identity) become() error { return errLinuxOnly }
