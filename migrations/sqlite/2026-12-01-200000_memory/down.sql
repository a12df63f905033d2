DROP TABLE act_memory;
