use hoplint::services::*;
fn walk(root:&std::path::Path,d:&std::path::Path,out:&mut Vec<ManifestFile>){
 for e in std::fs::read_dir(d).unwrap(){let e=e.unwrap();let p=e.path();if e.file_type().unwrap().is_dir(){walk(root,&p,out)}else if e.file_type().unwrap().is_file(){let r=p.strip_prefix(root).unwrap().to_str().unwrap().to_owned();if is_manifest(&r){if let Ok(t)=std::fs::read_to_string(&p){out.push(ManifestFile{path:r,text:t})}}}}
}
#[test] fn show(){ for r in std::env::var("R").unwrap().split(' '){let root=std::path::Path::new(r);let mut v=vec![];walk(root,root,&mut v);let t=std::time::Instant::now();let w=discover(&v);
 println!("=== {r} {} files {:?} units {} skipped {:?}",v.len(),t.elapsed(),w.units.len(),w.skipped);
 for u in &w.units{println!("{:?} [{}] {:?} mod={} deps={} launch={:?}",u.name,u.root,u.language,u.module,u.dependencies.len(),u.launchers);for s in &u.stacks{println!("     {} {:?} active={} {}:{} {}",s.stack,s.mode,s.active,s.path,s.line,s.evidence)}}}}
