-- Here transactions commit in the order of the ids that they give.
SELECT 1;
