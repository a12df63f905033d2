DROP TABLE household_link;
