-- The ledger: campaigns, their rows, and every attempt to send one of them. Version 5.
-- An older ledger becomes this one by the steps in to_version_2.sql to to_version_5.sql.
--
-- A row's life:    planned -> sending -> queued | refused | unknown -> submitted
--                          -> delivered | failed | unconfirmed
--                  excluded and cancelled rows have no attempt that counts.
-- An attempt only moves forward: to a status of a higher stage, whether a reply, a poll or a person
-- says so. A row's status is that of the attempt that prevails; without one it is the row's standing.
-- So a row is planned only while none of its attempts may have been taken, and a standing that
-- changes while a request is under way counts as soon as that request proves to be nothing.
--
-- A run's life:    go <-> pause, either -> stop: what anybody wishes, and its owner obeys
--                  -> finished | stopped | failed, as its owner writes; -> dead, as another one finds.
-- A run that is to pause and has no open request is paused: a claim looks at the wish in its own
-- transaction, so nothing is claimed after the wish is written.
--
-- Times are microseconds since 1970-01-01 UTC. Money is in billionths of a euro.

CREATE TABLE ledger (
  key         BLOB    NOT NULL CHECK (length(key) = 32)  -- keys the digests of accounts
);

CREATE TABLE status (
  name        TEXT    PRIMARY KEY,
  stage       INTEGER NOT NULL,    -- how far an attempt has come; equal stages never replace each other
  weight      INTEGER NOT NULL,    -- which attempt prevails for its row; 0: none
  taken       INTEGER NOT NULL CHECK (taken IN (0, 1))  -- money may have been spent
);

INSERT INTO status (name, stage, weight, taken) VALUES
  ('sending',      10, 30, 1),  -- claimed; the request is being written or awaited
  ('not_taken',    20,  0, 0),  -- proven: it never left, or was refused whole
  ('unknown',      15, 20, 1),  -- nothing is proven; evidence or a person resolves it
  ('queued',       40, 60, 1),  -- accepted by the API
  ('submitted',    50, 70, 1),  -- given to the carrier
  ('unconfirmed',  60, 50, 1),  -- no final word in time; a later one still counts
  ('refused',      90, 10, 0),  -- final: the API refused it
  ('failed',       90, 40, 1),  -- final: the carrier said no
  ('delivered',    90, 80, 1),  -- final: on the phone
  ('planned',       0,  0, 0),  -- standings of rows, never of attempts
  ('excluded',      0,  0, 0),
  ('cancelled',     0,  0, 0);

CREATE TABLE campaign (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  fingerprint TEXT    NOT NULL,    -- of the multiset of (number, text, sender) that will be sent
  manifest    TEXT    NOT NULL,    -- JSON: the columns and dtypes of the frame it was made from
  gateway     TEXT,                -- bound by the first request: 'simulated', or address and account
  max_cost    INTEGER,             -- the most it may cost, NULL: no bound
  allow_repeat INTEGER NOT NULL CHECK (allow_repeat IN (0, 1)),
                                   -- whether it may repeat what another campaign took
  created_at  INTEGER NOT NULL,
  taken       INTEGER NOT NULL DEFAULT 0,  -- attempts that may have been taken, and what they are
  taken_cost  INTEGER NOT NULL DEFAULT 0   -- expected to cost: what limits and budgets go by
);

CREATE TABLE content (             -- what rows may share a request: one text from one sender
  id          INTEGER PRIMARY KEY,
  campaign_id INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
  text        TEXT    NOT NULL,
  sender      TEXT,                -- NULL only where every row is excluded
  encoding    TEXT,
  segments    INTEGER
);
CREATE INDEX content_of_campaign ON content (campaign_id);

CREATE TABLE recipient (           -- one row of the frame
  id          INTEGER PRIMARY KEY,
  campaign_id INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,    -- place in the frame, from 0
  sequence    INTEGER,             -- place in the order of sending; NULL: never sent
  number      TEXT,
  country     TEXT,
  line        TEXT,
  content_id  INTEGER REFERENCES content (id),
  cost        INTEGER,             -- expected
  problem     TEXT,
  problems    TEXT,
  detail      TEXT,
  original    TEXT    NOT NULL,    -- JSON: the user's own cells and index labels of this row
  standing    TEXT    NOT NULL     -- by OR: a list would be sorted anew for every row
              CHECK (standing = 'planned' OR standing = 'excluded' OR standing = 'cancelled'),
  status      TEXT    NOT NULL REFERENCES status (name),  -- derived: see settle in record.py
  request_size INTEGER NOT NULL DEFAULT 100 CHECK (request_size BETWEEN 1 AND 100),
                                   -- the most numbers of its next request; halved when a list fails
  UNIQUE (campaign_id, position),
  CHECK (standing <> 'excluded' OR problem IS NOT NULL),
  CHECK (standing = 'excluded'
         OR (number IS NOT NULL AND content_id IS NOT NULL AND sequence IS NOT NULL))
);
CREATE INDEX recipient_by_status ON recipient (campaign_id, status, sequence);
CREATE INDEX recipient_by_number ON recipient (number);

CREATE TABLE owner (               -- one run of one process; alive while it holds its lock file
  id          TEXT    PRIMARY KEY,
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  campaign_id INTEGER REFERENCES campaign (id) ON DELETE CASCADE,
                                   -- NULL: a run of an older version
  kind        TEXT    NOT NULL DEFAULT 'send' CHECK (kind IN ('send', 'track')),
  wish        TEXT    NOT NULL DEFAULT 'go' CHECK (wish IN ('go', 'pause', 'stop')),
                                   -- what it is asked to do, by anybody; 'stop' is never taken back
  done        INTEGER NOT NULL DEFAULT 0,  -- rows it has settled, and the microseconds at work, pauses
  busy        INTEGER NOT NULL DEFAULT 0,  -- left out; written about once a second
  ending      TEXT    CHECK (ending IS NULL OR ended_at IS NOT NULL)
                      CHECK (ending IN ('finished', 'stopped', 'failed', 'dead')),
                                   -- how it ended; NULL: not yet, or under an older version
  error       TEXT    CHECK (error IS NULL OR (ending IS NOT NULL AND ending = 'failed'))
                                   -- what a person reads of a failure
);

CREATE TABLE request (             -- on disk before its first byte leaves
  id          TEXT    PRIMARY KEY, -- our reference, also in the callback address
  campaign_id INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
  owner_id    TEXT    NOT NULL REFERENCES owner (id),
  claimed_at  INTEGER NOT NULL,
  answered_at INTEGER,
  error       TEXT,                -- what a person reads when it was no plain success
  reply       TEXT                 -- as it came, without secrets
);
CREATE INDEX request_of_campaign ON request (campaign_id);
CREATE INDEX request_open ON request (owner_id) WHERE answered_at IS NULL;

CREATE TABLE attempt (             -- one row in one request
  id           INTEGER PRIMARY KEY,
  recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
  request_id   TEXT    NOT NULL REFERENCES request (id) ON DELETE CASCADE,
  status       TEXT    NOT NULL REFERENCES status (name)
               CHECK (status NOT IN ('planned', 'excluded', 'cancelled')),
  message_id   TEXT    UNIQUE,     -- an id belongs to one attempt; a second claim to it is no proof
  word         TEXT,               -- the vendor's own word for the status
  error        TEXT,
  price        INTEGER,
  carrier      TEXT,
  sent_at      INTEGER,            -- when the request was answered and had taken it
  updated_at   INTEGER NOT NULL,
  due_at       INTEGER,            -- when to ask next; NULL: never
  campaign_id  INTEGER NOT NULL DEFAULT 0,  -- that of its request: what is due is found by it
  UNIQUE (recipient_id, request_id),
  CHECK (due_at IS NULL OR message_id IS NOT NULL)
);
CREATE INDEX attempt_of_request ON attempt (request_id);
CREATE INDEX attempt_due ON attempt (campaign_id, due_at) WHERE due_at IS NOT NULL;

CREATE VIEW prevailing AS          -- the attempt that speaks for a row; NULL without one
SELECT recipient.id AS recipient_id,
       (SELECT attempt.id
          FROM attempt JOIN status ON status.name = attempt.status
         WHERE attempt.recipient_id = recipient.id
         ORDER BY status.weight DESC, attempt.id DESC
         LIMIT 1) AS attempt_id
  FROM recipient;

CREATE VIEW repeated AS            -- rows with a message that another campaign took for real, and whose
SELECT mine.id AS recipient_id, mine.campaign_id, own.name, campaign.name AS other
  FROM recipient AS mine
  JOIN campaign AS own ON own.id = mine.campaign_id AND NOT own.allow_repeat
  JOIN content AS said ON said.id = mine.content_id
  JOIN recipient AS theirs ON theirs.number = mine.number
                          AND theirs.campaign_id <> mine.campaign_id
  JOIN status ON status.name = theirs.status AND status.taken
  JOIN content AS same ON same.id = theirs.content_id AND same.text = said.text
  JOIN campaign ON campaign.id = theirs.campaign_id AND campaign.gateway <> 'simulated';

CREATE TABLE event (               -- every change of status, with its evidence
  id           INTEGER PRIMARY KEY,
  recipient_id INTEGER REFERENCES recipient (id) ON DELETE CASCADE,
  attempt_id   INTEGER REFERENCES attempt (id) ON DELETE CASCADE,
                                   -- NULL: a change of the row itself, such as 'cancelled', or of
                                   -- all attempts of a request
  request_id   TEXT REFERENCES request (id) ON DELETE CASCADE,
                                   -- a change that all attempts of a request made together
  at           INTEGER NOT NULL,
  status       TEXT    NOT NULL REFERENCES status (name),
  evidence     TEXT    NOT NULL,   -- 'claim', 'reply', 'poll', 'callback', 'age', 'dead owner',
                                   -- 'person', 'cancel', 'suppress'
  error        TEXT,               -- what a person reads when it was no plain success
  CHECK ((recipient_id IS NULL) <> (request_id IS NULL)),
  CHECK (attempt_id IS NULL OR recipient_id IS NOT NULL)
);
CREATE INDEX event_of_recipient ON event (recipient_id) WHERE recipient_id IS NOT NULL;
CREATE INDEX event_of_attempt ON event (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX event_of_request ON event (request_id) WHERE request_id IS NOT NULL;

CREATE VIEW change AS              -- events, attempt by attempt
SELECT id, recipient_id, attempt_id, at, status, evidence, error
  FROM event WHERE recipient_id IS NOT NULL
 UNION ALL
SELECT event.id, attempt.recipient_id, attempt.id, event.at, event.status, evidence, event.error
  FROM event JOIN attempt ON attempt.request_id = event.request_id;

CREATE TABLE trial (               -- a row's text, sent to somebody's own number to look at it:
                                   -- no attempt, counted nowhere, never repeated
  id           INTEGER PRIMARY KEY,
  recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
                                   -- its text and sender; its person is not texted
  gateway      TEXT    NOT NULL,   -- 'simulated', or address and account
  number       TEXT    NOT NULL,   -- masked: nothing is ever matched with it
  at           INTEGER NOT NULL,
  status       TEXT    NOT NULL REFERENCES status (name)
               CHECK (status IN ('sending', 'not_taken', 'unknown', 'queued', 'refused')),
                                   -- 'sending' for ever: the program stopped before the reply
  message_id   TEXT,
  word         TEXT,               -- the vendor's own word for the status
  error        TEXT,
  reply        TEXT                -- as it came, without secrets, numbers masked
);
CREATE INDEX trial_of_recipient ON trial (recipient_id);

CREATE TABLE callback (            -- what the API told of a message that is not known here, or not
                                   -- yet: it counts as soon as the message's id appears
  id           INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL,
  message_id   TEXT    NOT NULL,   -- '' where it named none
  reference    TEXT    NOT NULL,   -- the request it named; ''
  number       TEXT    NOT NULL,   -- masked: nothing is ever matched with it; ''
  word         TEXT    NOT NULL,   -- the vendor's own word for the status
  UNIQUE (message_id, reference, number, word)
);
