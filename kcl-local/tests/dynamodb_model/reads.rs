use kcl_local::dynamodb::StaleReads;

use super::*;

#[tokio::test(start_paused = true)]
async fn by_default_the_index_and_every_read_see_the_latest_write() {
    let (_, client) = world_with_table(|_| {}).await;
    add_index(&client).await.expect("accepted");
    seconds(60).await;
    for round in 0..20 {
        let holder = format!("w{round}");
        put(&client, "a", &holder).await.expect("put");
        assert_eq!(owned(&client, &holder).await, Ok(1));
        assert_eq!(owner(&client, "a", false).await, Some(holder));
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_index_lists_a_lease_under_its_old_owner_until_it_has_caught_up() {
    let (_, client) = world_with_table(|settings| settings.dynamodb.index_lag = Duration::from_secs(3)).await;
    add_index(&client).await.expect("accepted");
    seconds(60).await;
    put(&client, "a", "old").await.expect("put");
    seconds(3).await;
    put(&client, "a", "new").await.expect("put");
    assert_eq!(owner(&client, "a", true).await.as_deref(), Some("new"), "the table itself is not late");
    assert_eq!((owned(&client, "old").await, owned(&client, "new").await), (Ok(1), Ok(0)));
    tokio::time::sleep(Duration::from_millis(2_999)).await;
    assert_eq!((owned(&client, "old").await, owned(&client, "new").await), (Ok(1), Ok(0)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((owned(&client, "old").await, owned(&client, "new").await), (Ok(0), Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn stale_reads_show_older_states_never_older_than_the_limit_and_never_when_consistent() {
    let stale = StaleReads { max_age: Duration::from_secs(10), probability: 0.5 };
    let (_, client) = world_with_table(|settings| settings.dynamodb.stale_reads = Some(stale)).await;
    let mut ages = std::collections::BTreeMap::new();
    for now in 0..200_u64 {
        put(&client, "a", &now.to_string()).await.expect("put");
        assert_eq!(owner(&client, "a", true).await, Some(now.to_string()));
        let seen = owner(&client, "a", false).await.map_or(0, |owner| owner.parse().expect("a number"));
        *ages.entry(now - seen).or_insert(0) += 1;
        seconds(1).await;
    }
    assert!(ages.keys().max() <= Some(&10), "{ages:?}");
    assert!(ages[&0] > 60 && ages[&0] < 140, "about half of the reads are fresh: {ages:?}");
    assert!(ages.len() > 4, "ages vary: {ages:?}");
}

#[tokio::test(start_paused = true)]
async fn a_table_made_again_does_not_get_the_late_writes_of_the_first() {
    let stale = StaleReads { max_age: Duration::from_mins(1), probability: 1.0 };
    let (_, client) = world_with_table(|settings| settings.dynamodb.stale_reads = Some(stale)).await;
    put(&client, "a", "first").await.expect("put");
    client.delete_table().table_name(TABLE).send().await.expect("deleted");
    create_table(&client).await;
    seconds(100).await;
    assert_eq!(owner(&client, "a", false).await, None);
}
