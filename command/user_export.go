package command

import (
	"context"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
)

type userExportCmd struct{}

// Run prints everyone as CSV, as the administration's download does.
func (c *userExportCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.RecordExport(ctx, accounts.PeopleExported); err != nil {
		return err
	}
	return peoplecsv.Export(ctx, store, con.stdout)
}
