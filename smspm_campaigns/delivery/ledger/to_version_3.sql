-- From version 2 to version 3: a campaign knows what it has taken, so that a limit and a budget are
-- kept with every request, and what another campaign took is one view.

ALTER TABLE campaign ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN taken_cost INTEGER NOT NULL DEFAULT 0;

UPDATE campaign SET (taken, taken_cost) = (
  SELECT count(*), coalesce(sum(cost), 0)
    FROM recipient JOIN attempt ON attempt.recipient_id = recipient.id
    JOIN status ON status.name = attempt.status AND status.taken
   WHERE recipient.campaign_id = campaign.id);

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
