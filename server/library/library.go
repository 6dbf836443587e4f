package library

import (
	"context"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// Options are what a library works with. Archive, Shelf, Policies, Secrets and
// Clock must be there; Cabinet and Sealer may be nil where nobody makes
// connections in the app.
type Options struct {
	Playbooks    fs.FS    // shipped: <category>/<name>.yaml
	Integrations fs.FS    // shipped: <id>/manifest.yaml
	Workspaces   []Folder // the strongest first; what one brings hides the same name in the next

	Archive  Archive
	Shelf    Shelf
	Cabinet  Cabinet
	Policies Policies
	Secrets  Secrets
	Sealer   Sealer
	Clock    func() time.Time

	// ReviewFiles is the setting review: files: what the workspace brings is
	// published as it is loaded. Otherwise a new or changed playbook with contain
	// actions is a draft until a second person publishes it.
	ReviewFiles bool
}

// Folder is one workspace folder; Name, where it has one, is said in problems
// when there are several folders.
type Folder struct {
	Name string
	FS   fs.FS
}

// Library holds what is in force. All methods may be called by many goroutines.
type Library struct {
	o       Options
	reload  sync.Mutex
	current atomic.Pointer[Snapshot]
	builds  builds
}

// New makes an empty library; Reload fills it.
func New(o Options) *Library {
	l := &Library{o: o, builds: newBuilds()}
	l.current.Store(newSnapshot())
	return l
}

// Current gives what is in force now. It never changes; ask again for what comes
// after.
func (l *Library) Current() *Snapshot { return l.current.Load() }

// Problems lists what is wrong with the files that were read last.
func (l *Library) Problems() []fault.Problem { return l.Current().Problems() }

// Changes are what a reload put in force, by name.
type Changes struct {
	Playbooks    []string
	Integrations []string
	Connections  []string
	Sources      []string
	Policies     bool
	People       bool // people, assets or identities
	Problems     []fault.Problem
}

// Empty says whether nothing changed.
func (c Changes) Empty() bool {
	return len(c.Playbooks)+len(c.Integrations)+len(c.Connections)+len(c.Sources) == 0 && !c.Policies && !c.People
}

// Reload reads all folders and the database anew and puts the result in force at
// once. A file with a mistake keeps what stood there before, and the mistake is
// listed. An error means that nothing changed: a folder or the database could not
// be read, or the first load found policies that do not compile (code
// policy_broken) or a broken table of assets or identities (estate_broken). The
// rules and tags of a workspace may forbid what the shipped rules allow, so a
// server must not start without them.
func (l *Library) Reload(ctx context.Context) (Changes, error) {
	l.reload.Lock()
	defer l.reload.Unlock()
	before := l.Current()
	files, err := readAll(l.o)
	if err != nil {
		return Changes{}, err
	}
	b := &build{o: l.o, at: l.o.Clock(), files: files, before: before, now: newSnapshot()}
	b.now.problems = append(b.now.problems, files.problems...)
	b.manifests()
	if err := b.connections(ctx); err != nil {
		return Changes{}, err
	}
	b.capabilities()
	b.now.catalog = b.now.newCatalog()
	if err := b.sources(ctx); err != nil {
		return Changes{}, err
	}
	b.peopleFile()
	if err := b.estate(); err != nil {
		return Changes{}, err
	}
	if err := b.policies(ctx); err != nil {
		return Changes{}, err
	}
	if err := b.archive(ctx); err != nil {
		return Changes{}, err
	}
	if err := b.playbooks(ctx); err != nil {
		return Changes{}, err
	}
	b.now.finish()
	b.now.loaded = true
	l.current.Store(b.now)
	return b.now.since(before), nil
}

// build is a snapshot on its way.
type build struct {
	o      Options
	at     time.Time
	files  *files
	before *Snapshot
	now    *Snapshot
}

func (b *build) say(ps ...fault.Problem) { b.now.problems = append(b.now.problems, ps...) }
