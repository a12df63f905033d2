-- Families that an agent linked: it holds whatever the next extract says.
CREATE TABLE household_link (
    prefecture TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    household TEXT COLLATE "C" NOT NULL,
    linked_at TIMESTAMP NOT NULL,
    PRIMARY KEY (prefecture, holder_id),
    FOREIGN KEY (prefecture, holder_id) REFERENCES holder (prefecture, holder_id)
);
