// Rollcall answers one question, live: who is here? The command line is in command.
package main

import (
	"os"

	"rollcall/command"
)

func main() { os.Exit(command.Main(files())) }
