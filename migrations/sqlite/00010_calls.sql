-- +goose Up
-- due is when people must be called on again about a request: reminded, or more of
-- them asked. warn is when they must be told that an effect ends soon.
ALTER TABLE approval ADD COLUMN due INTEGER;
CREATE INDEX approval_due ON approval (due) WHERE due IS NOT NULL;
ALTER TABLE effect ADD COLUMN warn INTEGER;
CREATE INDEX effect_warn ON effect (warn) WHERE warn IS NOT NULL;

-- +goose Down
DROP INDEX effect_warn;
ALTER TABLE effect DROP COLUMN warn;
DROP INDEX approval_due;
ALTER TABLE approval DROP COLUMN due;
