use super::*;

#[derive(Clone, Copy)]
enum Step {
    /// At this second, of this tenant, this body.
    Fail(u64, u64, u64, Option<Blocked>),
    Say(u64, Order, Result<(), Refused>),
    Store(State),
}
use Step::{Fail, Say, Store};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn block(time: Option<u64>) -> Order {
    Order::BlockAll { time: if let Some(time) = time { Some(seconds(time)) } else { None } }
}

const fn bypass(time: Option<u64>) -> Order {
    Order::Bypass { time: if let Some(time) = time { Some(seconds(time)) } else { None } }
}

fn check(name: &str, allowed: Option<u64>, steps: &[Step], views: &[(u64, &str)]) {
    let settings = Settings { bypass: allowed.map(seconds), ..Settings::default() };
    let mut modes = Modes::new(settings);
    let mut store = State::Closed;
    for (step, number) in steps.iter().zip(1..) {
        match *step {
            Fail(at, tenant, body, blocked) => {
                let found = modes.failed(Mark { tenant, body }, seconds(at));
                assert_eq!(found, blocked, "{name}: step {number}");
            }
            Say(at, order, result) => {
                assert_eq!(modes.order(order, seconds(at)), result, "{name}: step {number}");
            }
            Store(state) => store = state,
        }
    }
    for (at, shown) in views {
        let view = modes.view(seconds(*at), store);
        let cause = view.cause.map_or("", Cause::as_str);
        let left = view.left.map(|left| left.as_secs().to_string()).unwrap_or_default();
        assert_eq!(format!("{} {cause} {left}", view.mode).trim(), *shown, "{name}: at {at}");
    }
}

fn fails(tenants: &[u64], last: Option<Blocked>) -> Vec<Step> {
    let all = tenants.iter().zip(0..);
    let count = tenants.len();
    let of = |(&tenant, body): (&u64, u64)| {
        Fail(10 + body, tenant, body, last.filter(|_| body + 1 == count as u64))
    };
    all.map(of).collect()
}

#[test]
fn the_store_degrades() {
    for (state, shown) in [
        (State::Closed, "normal"),
        (State::Open, "degraded store"),
        (State::HalfOpen, "degraded store"),
    ] {
        check(shown, None, &[Store(state)], &[(0, shown)]);
    }
}

#[test]
fn operators_order() {
    let ok = Ok(());
    let open = Store(State::Open);
    for (name, allowed, steps, views) in [
        ("endless", None, vec![Say(5, block(None), ok)], vec![(9999, "block-all operator")]),
        (
            "with an end",
            None,
            vec![Say(5, block(Some(10)), ok), open],
            vec![
                (5, "block-all operator 10"),
                (14, "block-all operator 1"),
                (15, "degraded store"),
            ],
        ),
        (
            "ended",
            None,
            vec![Say(5, block(None), ok), Say(6, Order::Normal, ok)],
            vec![(7, "normal")],
        ),
        (
            "degraded cannot be ordered away",
            None,
            vec![open, Say(6, Order::Normal, ok)],
            vec![(7, "degraded store")],
        ),
        (
            "no time at all",
            None,
            vec![Say(1, block(Some(0)), Err(Refused::Zero))],
            vec![(1, "normal")],
        ),
    ] {
        check(name, allowed, &steps, &views);
    }
}

#[test]
fn bypass_is_allowed_and_ends() {
    let ok = Ok(());
    let open = Store(State::Open);
    for (name, allowed, steps, views) in [
        (
            "not allowed",
            None,
            vec![Say(1, bypass(Some(9)), Err(Refused::NotAllowed))],
            vec![(1, "normal")],
        ),
        (
            "endless bypass",
            Some(60),
            vec![Say(1, bypass(None), Err(Refused::Endless))],
            vec![(1, "normal")],
        ),
        (
            "too long",
            Some(60),
            vec![Say(1, bypass(Some(61)), Err(Refused::TooLong(seconds(60))))],
            vec![(1, "normal")],
        ),
        (
            "no bypass",
            Some(60),
            vec![Say(1, bypass(Some(0)), Err(Refused::Zero))],
            vec![(1, "normal")],
        ),
        (
            "bypass",
            Some(60),
            vec![open, Say(1, bypass(Some(60)), ok)],
            vec![(1, "bypass operator 60"), (60, "bypass operator 1"), (61, "degraded store")],
        ),
        (
            "a refused order changes nothing",
            Some(60),
            vec![
                Say(1, block(None), ok),
                Say(2, bypass(Some(99)), Err(Refused::TooLong(seconds(60)))),
            ],
            vec![(3, "block-all operator")],
        ),
    ] {
        check(name, allowed, &steps, &views);
    }
}

#[test]
fn failures_block() {
    let of = |more: Vec<Step>, last| [fails(&[1, 1, 2, 1, 3], last), more].concat();
    let all = Some(Blocked::All);
    for (name, allowed, steps, views) in [
        ("four", None, fails(&[1, 2, 3, 4], None), vec![(14, "normal")]),
        (
            "five of several",
            None,
            of(vec![], all),
            vec![(14, "block-all failures 300"), (313, "block-all failures 1"), (314, "normal")],
        ),
        ("five of one", None, fails(&[7; 5], Some(Blocked::Tenant)), vec![(14, "normal")]),
        (
            "who is blocked alone does not count for all",
            None,
            [fails(&[7; 5], Some(Blocked::Tenant)), vec![Fail(20, 8, 99, None)]].concat(),
            vec![(20, "normal")],
        ),
        (
            "one body of several",
            None,
            (1..=5).map(|n| Fail(n, n, 1, (n == 5).then_some(Blocked::Body))).collect(),
            vec![(5, "normal")],
        ),
        (
            "slowly",
            None,
            (0..9).map(|n| Fail(n * 15, n % 2, n, None)).collect(),
            vec![(120, "normal")],
        ),
        (
            "an operator ends it",
            None,
            of(vec![Say(20, Order::Normal, Ok(()))], all),
            vec![(20, "normal")],
        ),
        (
            "it wins over the store",
            None,
            of(vec![Store(State::Open)], all),
            vec![(14, "block-all failures 300")],
        ),
        (
            "it wins over an earlier bypass",
            Some(600),
            [vec![Say(1, bypass(Some(600)), Ok(()))], of(vec![], all)].concat(),
            vec![(14, "block-all failures 300"), (314, "bypass operator 287")],
        ),
        (
            "a later bypass ends it",
            Some(600),
            of(vec![Say(20, bypass(Some(60)), Ok(()))], all),
            vec![(20, "bypass operator 60")],
        ),
    ] {
        check(name, allowed, &steps, &views);
    }
}

#[test]
fn bodies_and_tenants_are_blocked_alone() {
    let mark = |tenant, body| Mark { tenant, body };
    let mut modes = Modes::new(Settings::default());
    for n in 0..5 {
        assert_eq!(modes.blocked(mark(1, 50), seconds(n)), None);
        modes.failed(mark(1, n), seconds(n));
    }
    assert_eq!(modes.blocked(mark(1, 50), seconds(5)), Some(seconds(299)));
    assert_eq!(modes.blocked(mark(2, 0), seconds(5)), None, "its bodies are not");
    assert_eq!(modes.blocked(mark(1, 50), seconds(304)), None, "it ends");
    for n in 0..5 {
        modes.failed(mark(n, 77), seconds(400));
    }
    assert_eq!(modes.blocked(mark(9, 77), seconds(400)), Some(seconds(300)));
    assert_eq!(modes.blocked(mark(9, 78), seconds(400)), None);
    modes.order(Order::Normal, seconds(401)).unwrap();
    assert_eq!(modes.blocked(mark(9, 77), seconds(401)), None);
}

#[test]
fn memory_is_bounded() {
    let mut modes = Modes::new(Settings { failures: 2000, ..Settings::default() });
    for body in 0..1100 {
        modes.failed(Mark { tenant: 1, body }, seconds(1));
    }
    assert_eq!(modes.failures.len(), REMEMBERED);
}
