package command

import (
	"context"
	"fmt"

	"rollcall/accounts"
)

// demoLogin is the visitor's username. The cast doesn't play this person.
const demoLogin = "clara"

// Sizes of the demo, including the visitor.
const (
	usualPeople = 60
	maxPeople   = 100_000
	teamPeople  = 25 // a larger demo has a team for every so many people, up to the number of demoTeams
)

// demoTeams lists the teams. A demo of the usual size has the first six.
var demoTeams = []string{
	"Design", "Platform", "Research", "Support", "Operations", "Sales",
	"Accessibility", "Analytics", "Billing", "Brand", "Communications", "Community", "Compliance", "Data", "Documentation",
	"Education", "Events", "Facilities", "Finance", "Growth", "Hardware", "Infrastructure", "Internal Tools", "Legal",
	"Localization", "Logistics", "Maps", "Marketing", "Mobile", "Networks", "Observability", "Partnerships", "Payments",
	"Procurement", "Quality", "Recruiting", "Release", "Search", "Security", "Web",
}

// usualTeams is how many teams demoPeople are in.
const usualTeams = 6

// demoPeople lists the visitor and the people of a demo of the usual size, ten for each team.
var demoPeople = []accounts.NewUser{
	{Username: demoLogin, DisplayName: "Clara Nyström", Team: "Design"},
	{Username: "hugo", DisplayName: "Hugo Lefèvre", Team: "Design"},
	{Username: "noa", DisplayName: "נועה לוי", Team: "Design"},
	{Username: "priya", DisplayName: "Priya Raman", Team: "Design"},
	{Username: "gabriel", DisplayName: "Gabriel Araújo", Team: "Design"},
	{Username: "sinead", DisplayName: "Sinéad Ní Bhriain", Team: "Design"},
	{Username: "eleni", DisplayName: "Ελένη Παπαδοπούλου", Team: "Design"},
	{Username: "kofi", DisplayName: "Kofi Mensah", Team: "Design"},
	{Username: "yuki", DisplayName: "佐藤 由紀", Team: "Design"},
	{Username: "ines", DisplayName: "Inês Tavares", Team: "Design"},

	{Username: "adaeze", DisplayName: "Adaeze Okafor", Team: "Platform"},
	{Username: "linus", DisplayName: "Linus Bergström", Team: "Platform"},
	{Username: "mei", DisplayName: "田中 芽衣", Team: "Platform"},
	{Username: "ravi", DisplayName: "Ravi Menon", Team: "Platform"},
	{Username: "tomasz", DisplayName: "Tomasz Wiśniewski", Team: "Platform"},
	{Username: "zeynep", DisplayName: "Zeynep Yıldız", Team: "Platform"},
	{Username: "anahit", DisplayName: "Անահիտ Սարգսյան", Team: "Platform"},
	{Username: "mateo", DisplayName: "Mateo Quispe", Team: "Platform"},
	{Username: "xiulan", DisplayName: "王秀兰", Team: "Platform"},
	{Username: "freya", DisplayName: "Freya Østergaard", Team: "Platform"},

	{Username: "ivan", DisplayName: "Ivan Petrović", Team: "Research"},
	{Username: "hanh", DisplayName: "Nguyễn Thị Hạnh", Team: "Research"},
	{Username: "seoyeon", DisplayName: "김서연", Team: "Research"},
	{Username: "mariajose", DisplayName: "María José Ibáñez", Team: "Research"},
	{Username: "amara", DisplayName: "Amara Diallo", Team: "Research"},
	{Username: "wanjiru", DisplayName: "Wanjirũ Kamau", Team: "Research"},
	{Username: "sunita", DisplayName: "सुनीता शर्मा", Team: "Research"},
	{Username: "agnes", DisplayName: "Szabó Ágnes", Team: "Research"},
	{Username: "nino", DisplayName: "ნინო ბერიძე", Team: "Research"},
	{Username: "samuel", DisplayName: "Samuel Bekele", Team: "Research"},

	{Username: "beatriz", DisplayName: "Beatriz Carvalho-Monteiro", Team: "Support"},
	{Username: "daniel", DisplayName: "Daniel Osei", Team: "Support"},
	{Username: "olena", DisplayName: "Олена Коваль", Team: "Support"},
	{Username: "layla", DisplayName: "ليلى حدّاد", Team: "Support"},
	{Username: "keiko", DisplayName: "Keiko Mori", Team: "Support"},
	{Username: "jonas", DisplayName: "Jonas Weber", Team: "Support"},
	{Username: "malia", DisplayName: "Mālia Kealoha", Team: "Support"},
	{Username: "omar", DisplayName: "عمر فاروق", Team: "Support"},
	{Username: "ploy", DisplayName: "พลอย ศรีสุข", Team: "Support"},
	{Username: "rosie", DisplayName: "Rosie O’Connell", Team: "Support"},

	{Username: "bjork", DisplayName: "Björk Jónsdóttir", Team: "Operations"},
	{Username: "dmitri", DisplayName: "Дмитрий Орлов", Team: "Operations"},
	{Username: "fatima", DisplayName: "Fatima Zahra El Idrissi", Team: "Operations"},
	{Username: "george", DisplayName: "George Whitfield", Team: "Operations"},
	{Username: "kavitha", DisplayName: "கவிதா முருகன்", Team: "Operations"},
	{Username: "luca", DisplayName: "Luca De Santis", Team: "Operations"},
	{Username: "minjun", DisplayName: "박민준", Team: "Operations"},
	{Username: "petra", DisplayName: "Petra Dvořáková", Team: "Operations"},
	{Username: "tariq", DisplayName: "طارق منصور", Team: "Operations"},
	{Username: "thabo", DisplayName: "Thabo Nkosi", Team: "Operations"},

	{Username: "aisha", DisplayName: "Aisha Bello", Team: "Sales"},
	{Username: "chloe", DisplayName: "Chloé Fontaine", Team: "Sales"},
	{Username: "diego", DisplayName: "Diego Fuentes", Team: "Sales"},
	{Username: "emre", DisplayName: "Emre Çelik", Team: "Sales"},
	{Username: "grace", DisplayName: "Grace Mukasa", Team: "Sales"},
	{Username: "jiahao", DisplayName: "陈家豪", Team: "Sales"},
	{Username: "katarzyna", DisplayName: "Katarzyna Zielińska", Team: "Sales"},
	{Username: "lior", DisplayName: "ליאור כהן", Team: "Sales"},
	{Username: "marten", DisplayName: "Mårten Lindqvist", Team: "Sales"},
	{Username: "selam", DisplayName: "ሰላም ተስፋዬ", Team: "Sales"},
}

// demoStaff returns the n people of a demo, the visitor first. A small demo has people of every team, and a large one
// has made-up people in more teams.
func demoStaff(n int) []accounts.NewUser {
	staff := make([]accounts.NewUser, 0, n)
	for i := range min(n, len(demoPeople)) {
		each := len(demoPeople) / usualTeams
		staff = append(staff, demoPeople[i%usualTeams*each+i/usualTeams])
	}
	teams := demoTeams[:min(max(n/teamPeople, usualTeams), len(demoTeams))]
	for i, p := range madeUpPeople(n - len(staff)) {
		p.Team = teams[(i+i/len(teams))%len(teams)] // so that a team doesn't get the same few languages
		staff = append(staff, p)
	}
	return staff
}

// invite adds people, and returns the cast: everyone except the visitor. All of them have the same password.
func invite(ctx context.Context, store *accounts.Store, people []accounts.NewUser, password string) ([]*player, error) {
	hash, err := store.HashPassword(ctx, password)
	if err != nil {
		return nil, fmt.Errorf("fill the demo: %w", err)
	}
	for i := range people {
		people[i].PasswordHash = hash
	}
	if _, err := store.Import(accounts.As(ctx, accounts.System), people); err != nil {
		return nil, fmt.Errorf("fill the demo: %w", err)
	}
	var players []*player
	for after := ""; ; {
		users, err := store.Users(ctx, after, 1000)
		if err != nil {
			return nil, fmt.Errorf("fill the demo: %w", err)
		}
		if len(users) == 0 {
			return players, nil
		}
		for _, u := range users {
			if after = u.Username; u.Username != demoLogin {
				players = append(players, &player{id: u.ID, username: u.Username})
			}
		}
	}
}
