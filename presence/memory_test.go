package presence_test

import (
	"testing"

	"rollcall/presence"
	"rollcall/presence/registrytest"
)

func TestMemory(t *testing.T) {
	registrytest.Run(t, func(*testing.T) registrytest.Cluster {
		m := presence.NewMemory()
		return registrytest.Cluster{
			Join:   func(*testing.T) presence.Registry { return m.Replica() },
			Settle: func(*testing.T) {},
		}
	})
}
