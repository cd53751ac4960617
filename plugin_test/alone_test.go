package plugin_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/session"
	"google.golang.org/adk/v2/session/database"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// B60, B64, B100, B104: a model of any family serves an agent alone, without a
// router. Eight turns with parallel tools, thoughts, an image, a schema and every
// setting pass a strict server, and the session survives storage in a database.
func TestEveryFamilyAlone(t *testing.T) {
	for name, models := range families {
		for _, model := range models {
			for _, mode := range []agent.StreamingMode{agent.StreamingModeNone, agent.StreamingModeSSE} {
				t.Run(fmt.Sprintf("%s %s, streaming %v", name, model, mode), func(t *testing.T) {
					t.Parallel()
					f := newFamily(t, name, model)
					c := newConversationWith(t, f.llm, storedSessions(t), mode)
					for turn := 1; turn <= 8; turn++ {
						f.srv.Script(f.model, answering())
						before, tools := c.history(t), c.tools.Load()
						text, _ := c.turn(t, turn)
						if want := fmt.Sprintf("report %d", turn); !strings.Contains(text, want) {
							t.Fatalf("turn %d: the answer is %q, want %q in it", turn, text, want)
						}
						if ran := c.tools.Load() - tools; turn%2 == 1 && ran != 2 {
							t.Errorf("turn %d: %d tool calls ran, want 2", turn, ran)
						}
						if diff := cmp.Diff(before, c.history(t)[:len(before):len(before)]); len(before) > 0 && diff != "" {
							t.Fatalf("turn %d: the history changed (-before +after):\n%s", turn, diff)
						}
					}
					for _, violation := range f.srv.Violations() {
						t.Errorf("the server refused: %s", violation)
					}
				})
			}
		}
	}
}

// storedSessions returns sessions in a database, which stores events as JSON.
func storedSessions(t *testing.T) session.Service {
	t.Helper()
	sessions, err := database.NewSessionService(sqlite.Open(filepath.Join(t.TempDir(), "sessions.db")), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := database.AutoMigrate(sessions); err != nil {
		t.Fatal(err)
	}
	return sessions
}
