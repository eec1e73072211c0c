-- Whose a job is; empty where no record says so, which nobody is shown. Until now there was one tenant.
alter table runs add column tenant text not null default 'default';
alter table runs alter column tenant drop default;
drop index runs_newest;
create index runs_newest on runs (tenant, created_at desc, job desc);
