package accounts_test

import (
	"rollcall/accounts"
	"rollcall/accounts/filetest"
)

func init() { accounts.CopiedFile = filetest.New }
