-- From version 3 to version 4: a run can be watched, paused and stopped from anywhere.

ALTER TABLE owner ADD COLUMN campaign_id INTEGER REFERENCES campaign (id) ON DELETE CASCADE;
ALTER TABLE owner ADD COLUMN kind TEXT NOT NULL DEFAULT 'send' CHECK (kind IN ('send', 'track'));
ALTER TABLE owner ADD COLUMN wish TEXT NOT NULL DEFAULT 'go' CHECK (wish IN ('go', 'pause', 'stop'));
ALTER TABLE owner ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owner ADD COLUMN busy INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owner ADD COLUMN ending TEXT CHECK (ending IS NULL OR ended_at IS NOT NULL)
  CHECK (ending IN ('finished', 'stopped', 'failed', 'dead'));
ALTER TABLE owner ADD COLUMN error TEXT CHECK (error IS NULL OR (ending IS NOT NULL AND ending = 'failed'));
