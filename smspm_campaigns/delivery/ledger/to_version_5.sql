-- From version 4 to version 5: what the API told of messages that are not known, or not yet.

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
