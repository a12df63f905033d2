DROP TABLE planned_block;
