package store

// The rows of the tables that lists read, one field a column.

type alertRow struct {
	ID           string
	Source       string
	Dedup        string
	Status       string
	Severity     int64
	Owner        string
	Count        int64
	LastSeen     int64
	CreatedAt    int64 `gorm:"autoCreateTime:false"`
	Version      int64
	Search       string
	Body         string
	Fields       string
	FieldsSHA256 []byte `gorm:"column:fields_sha256"`
}

func (alertRow) TableName() string { return "alert" }

type runRow struct {
	ID          string
	StartKey    string
	Playbook    string
	Digest      string
	Program     []byte
	Alert       string
	AlertSHA256 []byte `gorm:"column:alert_sha256"`
	Priority    int64
	Start       string
	StartSHA256 []byte `gorm:"column:start_sha256"`
	Status      string
	Waits       string
	Parked      bool
	View        string
	ViewSHA256  []byte `gorm:"column:view_sha256"`
	CreatedAt   int64  `gorm:"autoCreateTime:false"`
	StartedAt   *int64
	EndedAt     *int64
	Head        int64
	Chain       []byte
	Lost        int64
	Version     int64
}

func (runRow) TableName() string { return "run" }

type stepRow struct {
	Run        string
	Path       string
	Place      int64
	Status     string
	Action     string
	Connection string
	Body       string
	BodySHA256 []byte `gorm:"column:body_sha256"`
}

func (stepRow) TableName() string { return "step" }

type approvalRow struct {
	ID        string
	Kind      string
	Status    string
	Run       string
	Deadline  int64
	HeldUntil *int64
	Version   int64
	Body      string
	Due       *int64
}

func (approvalRow) TableName() string { return "approval" }

type effectRow struct {
	ID         string
	Key        string
	Status     string
	Connection string
	Playbook   string
	Run        string
	Since      int64
	Due        *int64
	Version    int64
	Body       string
	Warn       *int64
}

func (effectRow) TableName() string { return "effect" }

type decisionRow struct {
	ID          string
	Run         string
	Action      string
	Outcome     string
	Plain       bool
	At          int64
	Body        string
	Input       []byte
	InputSHA256 []byte `gorm:"column:input_sha256"`
	AlertSHA256 []byte `gorm:"column:alert_sha256"`
}

func (decisionRow) TableName() string { return "decision" }

type auditRow struct {
	Seq    int64
	Entry  []byte
	Leaf   []byte
	Chain  []byte
	At     int64
	Actor  string
	Verb   string
	Object string
	Run    string
}

func (auditRow) TableName() string { return "audit" }

type userRow struct {
	ID        string
	Name      string
	Email     string
	Kind      string
	Roles     string
	Teams     string
	Disabled  bool
	ManagedBy string
	Version   int64
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
	LastLogin *int64
	Password  string
}

func (userRow) TableName() string { return "user" }

type tokenRow struct {
	ID        string
	Name      string
	Owner     string
	Scopes    string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	ExpiresAt *int64
	RevokedAt *int64
	LastUsed  *int64
	Hash      []byte
}

func (tokenRow) TableName() string { return "token" }
