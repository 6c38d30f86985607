BEGIN TRANSACTION;
CREATE TABLE cases (
	case_id VARCHAR(40) NOT NULL, 
	sop TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	agent TEXT NOT NULL, 
	policy_date VARCHAR(10) NOT NULL, 
	zone TEXT NOT NULL, 
	backend TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (case_id), 
	FOREIGN KEY(digest) REFERENCES sop_texts (digest)
);
INSERT INTO "cases" VALUES('20261123-AAAA-AAAA','handling-returns',1,'f1b4029fa6af29bc296fb39cfc66996091af48370e1decbf8537d38f9942d0c4','ann','2026-11-23','Asia/Kolkata','sqlite:///shop.db','2026-11-23T09:30:00.000000+00:00');
INSERT INTO "cases" VALUES('20261123-BBBB-BBBB','handling-returns',1,'f1b4029fa6af29bc296fb39cfc66996091af48370e1decbf8537d38f9942d0c4','bo','2026-11-23','Asia/Kolkata','sqlite:///shop.db','2026-11-23T09:30:00.000000+00:00');
CREATE TABLE entries (
	case_id VARCHAR(40) NOT NULL, 
	seq INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	state TEXT NOT NULL, 
	ended BOOLEAN NOT NULL, 
	event TEXT, 
	payload TEXT, 
	hides_from INTEGER, 
	note TEXT, 
	PRIMARY KEY (case_id, seq), 
	FOREIGN KEY(case_id) REFERENCES cases (case_id)
);
INSERT INTO "entries" VALUES('20261123-AAAA-AAAA',1,'event','2026-11-23T09:30:00.000000+00:00','finding_customer',0,'email_given','{"event":"email_given","at":"2026-11-23T09:30:00Z","email":"wrong@example.com"}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-AAAA-AAAA',2,'event','2026-11-23T09:30:00.000000+00:00','started',0,'backend_failed','{"event":"backend_failed","at":"2026-11-23T09:30:00Z","operation":"get_customer_by_email"}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-AAAA-AAAA',3,'rewound','2026-11-23T09:30:00.000000+00:00','started',0,NULL,NULL,1,NULL);
INSERT INTO "entries" VALUES('20261123-AAAA-AAAA',4,'noted','2026-11-23T09:30:00.000000+00:00','started',0,NULL,NULL,NULL,'sounds hurried');
INSERT INTO "entries" VALUES('20261123-AAAA-AAAA',5,'event','2026-11-23T09:30:00.000000+00:00','finding_customer',0,'email_given','{"event":"email_given","at":"2026-11-23T09:30:00Z","email":"ada@example.com"}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-AAAA-AAAA',6,'event','2026-11-23T09:30:00.000000+00:00','identified',0,'customer_found','{"event":"customer_found","at":"2026-11-23T09:30:00Z","customer":{"customer_id":"C1"}}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-BBBB-BBBB',1,'event','2026-11-23T09:30:00.000000+00:00','finding_customer',0,'email_given','{"event":"email_given","at":"2026-11-23T09:30:00Z","email":"wrong@example.com"}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-BBBB-BBBB',2,'event','2026-11-23T09:30:00.000000+00:00','started',0,'backend_failed','{"event":"backend_failed","at":"2026-11-23T09:30:00Z","operation":"get_customer_by_email"}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-BBBB-BBBB',3,'rewound','2026-11-23T09:30:00.000000+00:00','started',0,NULL,NULL,1,NULL);
INSERT INTO "entries" VALUES('20261123-BBBB-BBBB',4,'noted','2026-11-23T09:30:00.000000+00:00','started',0,NULL,NULL,NULL,'sounds hurried');
INSERT INTO "entries" VALUES('20261123-BBBB-BBBB',5,'event','2026-11-23T09:30:00.000000+00:00','finding_customer',0,'email_given','{"event":"email_given","at":"2026-11-23T09:30:00Z","email":"ada@example.com"}',NULL,NULL);
INSERT INTO "entries" VALUES('20261123-BBBB-BBBB',6,'event','2026-11-23T09:30:00.000000+00:00','identified',0,'customer_found','{"event":"customer_found","at":"2026-11-23T09:30:00Z","customer":{"customer_id":"C1"}}',NULL,NULL);
CREATE TABLE journal_meta (
	"key" VARCHAR(40) NOT NULL, 
	value VARCHAR(200) NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "journal_meta" VALUES('schema_version','1');
CREATE TABLE sop_texts (
	digest VARCHAR(64) NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "sop_texts" VALUES('f1b4029fa6af29bc296fb39cfc66996091af48370e1decbf8537d38f9942d0c4','sop: handling-returns
version: 1
');
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER cases_no_update BEFORE UPDATE ON cases BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER sop_texts_no_update BEFORE UPDATE ON sop_texts BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER sop_texts_no_delete BEFORE DELETE ON sop_texts BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
COMMIT;
