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
                                   -- NULL: a change of the row itself, such as 'cancelled'
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
