//go:build !linux

package accounts

import "os"

// Only Linux can tell who else uses a file. Other systems rely on SQLite's own checks.

func markServer(string) (*os.File, error) { return nil, nil }

func otherServer(*os.File) (bool, error) { return false, nil }

func logInUse(string) (bool, error) { return false, nil }

func strangersLog(string) (bool, error) { return false, nil }
