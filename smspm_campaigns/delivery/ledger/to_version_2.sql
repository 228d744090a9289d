-- From version 1 to version 2: a change of a row that is no attempt's has a history too, each change
-- keeps its own error, and what was sent to somebody's own number is written down.

ALTER TABLE event RENAME TO event_of_version_1;
DROP INDEX event_of_attempt;

CREATE TABLE event (               -- every change of status, with its evidence
  id           INTEGER PRIMARY KEY,
  recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
  attempt_id   INTEGER REFERENCES attempt (id) ON DELETE CASCADE,
                                   -- NULL: a change of the row itself, such as 'cancelled'
  at           INTEGER NOT NULL,
  status       TEXT    NOT NULL REFERENCES status (name),
  evidence     TEXT    NOT NULL,   -- 'claim', 'reply', 'poll', 'callback', 'dead owner', 'person',
                                   -- 'cancel', 'suppress'
  error        TEXT                -- what a person reads when it was no plain success
);
CREATE INDEX event_of_recipient ON event (recipient_id);
CREATE INDEX event_of_attempt ON event (attempt_id);

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

-- Version 1 kept an error with the attempt alone: it is that of the attempt's last change.
INSERT INTO event (id, recipient_id, attempt_id, at, status, evidence, error)
SELECT old.id, attempt.recipient_id, old.attempt_id, old.at, old.status, old.evidence,
       CASE WHEN old.status = attempt.status THEN attempt.error END
  FROM event_of_version_1 AS old JOIN attempt ON attempt.id = old.attempt_id
 ORDER BY old.id;

DROP TABLE event_of_version_1;
