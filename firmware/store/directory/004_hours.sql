-- When the municipality works, as text (callcontrol.plan.schedule); NULL: office hours.
ALTER TABLE municipality ADD COLUMN hours TEXT;
