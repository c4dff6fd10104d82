// Command client shows that a client made from our OpenAPI document works. TestGeneratedClient copies this folder,
// generates the package api with oapi-codegen from what a server answers, and runs the command. It's a module of its
// own, so that the program doesn't depend on a generator.
//
//	client http://127.0.0.1:8080 ada
//
// With the token in ROLLCALL_TOKEN, it sets a status, and prints the people of the board and one of them.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"client/api"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, board, name string) error {
	signed := api.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+os.Getenv("ROLLCALL_TOKEN"))
		return nil
	})
	c, err := api.NewClientWithResponses(board+"/api/v1", signed)
	if err != nil {
		return err
	}
	text := "Set by a generated client"
	set, err := c.PutMyStatusWithResponse(ctx, api.StatusInput{Text: &text})
	if err != nil || set.JSON200 == nil {
		return fmt.Errorf("set the status: %v, %s", err, set.Body)
	}
	list, err := c.ListUsersWithResponse(ctx, &api.ListUsersParams{})
	if err != nil || list.JSON200 == nil {
		return fmt.Errorf("list people: %v, %s", err, list.Body)
	}
	for _, u := range list.JSON200.Users {
		fmt.Println(u.User, u.State)
	}
	one, err := c.GetUserWithResponse(ctx, name, &api.GetUserParams{})
	if err != nil || one.JSON200 == nil {
		return fmt.Errorf("one person: %v, %s", err, one.Body)
	}
	fmt.Println(one.JSON200.Name, *one.JSON200.Text)
	nobody, err := c.GetUserWithResponse(ctx, "nobody", &api.GetUserParams{})
	if err != nil || nobody.ApplicationproblemJSONDefault == nil {
		return fmt.Errorf("nobody: %v, %s", err, nobody.Body)
	}
	fmt.Println(nobody.ApplicationproblemJSONDefault.Status)
	return nil
}
