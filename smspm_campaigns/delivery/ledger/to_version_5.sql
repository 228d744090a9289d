-- From version 4 to version 5: what the API told of messages that are not known, or not yet; and what
-- is due of a campaign is found whatever else is due.

ALTER TABLE attempt ADD COLUMN campaign_id INTEGER NOT NULL DEFAULT 0;
UPDATE attempt SET campaign_id = (SELECT campaign_id FROM request WHERE request.id = request_id);
DROP INDEX attempt_due;
CREATE INDEX attempt_due ON attempt (campaign_id, due_at) WHERE due_at IS NOT NULL;

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
