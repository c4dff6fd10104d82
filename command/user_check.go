package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"rollcall/accounts/peoplecsv"
	"rollcall/handlers"
)

// check prints everything that is wrong with a list, by line, and adds nobody.
func (c *userImportCmd) check(ctx context.Context, con *console, group *userCmd, in io.Reader, name string) error {
	list, err := peoplecsv.Read(in, maxImport)
	if err != nil {
		return err
	}
	for i, n := range list.People {
		list.People[i].NoPassword = c.Links && n.Password+n.PasswordHash == ""
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	wrong, err := store.CheckImport(ctx, list.People)
	if err != nil {
		return err
	}
	for _, p := range handlers.ListProblems(list, wrong) {
		fmt.Fprintf(con.stdout, "line %d: %s\n", max(p.Line, 1), strings.TrimPrefix(p.Username+": "+p.Message, ": "))
	}
	if n := len(list.Problems) + len(wrong); n > 0 {
		return fmt.Errorf("%s has %s; nobody was added", name, count(n, "problem"))
	}
	_, err = fmt.Fprintf(con.stdout, "People that can be added: %d.\n", len(list.People))
	return err
}
