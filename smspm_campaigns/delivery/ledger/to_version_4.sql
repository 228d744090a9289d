-- From version 3 to version 4: a run can be watched, paused and stopped from anywhere, and what all
-- attempts of a request went through together is one event.

ALTER TABLE owner ADD COLUMN campaign_id INTEGER REFERENCES campaign (id) ON DELETE CASCADE;
ALTER TABLE owner ADD COLUMN kind TEXT NOT NULL DEFAULT 'send' CHECK (kind IN ('send', 'track'));
ALTER TABLE owner ADD COLUMN wish TEXT NOT NULL DEFAULT 'go' CHECK (wish IN ('go', 'pause', 'stop'));
ALTER TABLE owner ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owner ADD COLUMN busy INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owner ADD COLUMN ending TEXT CHECK (ending IS NULL OR ended_at IS NOT NULL)
  CHECK (ending IN ('finished', 'stopped', 'failed', 'dead'));
ALTER TABLE owner ADD COLUMN error TEXT CHECK (error IS NULL OR (ending IS NOT NULL AND ending = 'failed'));

ALTER TABLE event RENAME TO event_of_version_3;
DROP INDEX event_of_recipient;
DROP INDEX event_of_attempt;

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
  evidence     TEXT    NOT NULL,   -- 'claim', 'reply', 'poll', 'callback', 'dead owner', 'person',
                                   -- 'cancel', 'suppress'
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

INSERT INTO event (id, recipient_id, attempt_id, at, status, evidence, error)
SELECT id, recipient_id, attempt_id, at, status, evidence, error FROM event_of_version_3 ORDER BY id;

DROP TABLE event_of_version_3;

-- A row is written faster: what its standing may be is no list any more.
DROP VIEW prevailing;
DROP VIEW repeated;
DROP INDEX recipient_by_status;
DROP INDEX recipient_by_number;
ALTER TABLE recipient RENAME TO recipient_of_version_3;

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

INSERT INTO recipient (id, campaign_id, position, sequence, number, country, line, content_id, cost, problem, problems, detail, original, standing, status, request_size)
SELECT id, campaign_id, position, sequence, number, country, line, content_id, cost, problem, problems, detail, original, standing, status, request_size
  FROM recipient_of_version_3;

DROP TABLE recipient_of_version_3;

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
