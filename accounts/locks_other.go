//go:build !linux

package accounts

import "os"

// Who else uses a file is known on Linux alone. Elsewhere what SQLite itself refuses has to do.

func markServer(string) (*os.File, error) { return nil, nil }

func otherServer(*os.File) (bool, error) { return false, nil }

func logInUse(string) (bool, error) { return false, nil }

func strangersLog(string) (bool, error) { return false, nil }
