//! Arithmetic that gives the digits that the definitions' reference (Python) gives, on every machine.

/// A count as a number; exact below 2^53.
pub fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// How many there are.
pub fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// To so many digits after the point, correctly rounded, ties to even; never a negative zero.
pub fn rounded(value: f64, digits: usize) -> f64 {
    let scale = match digits {
        2 => 100.0,
        3 => 1_000.0,
        _ => 10_000.0,
    };
    // A whole number over a power of ten is the nearest to that decimal. Only near a tie does multiplying lose what decides.
    let scaled = value * scale;
    let nearest = scaled.round();
    if (2..=4).contains(&digits) && scaled.abs() < 1e9 && (scaled - nearest).abs() < 0.499 {
        return nearest / scale + 0.0;
    }
    let text = format!("{value:.digits$}");
    text.parse::<f64>().unwrap_or(value) + 0.0
}

/// The quotient, rounded; `None` by zero.
pub fn ratio(part: u64, whole: u64, digits: usize) -> Option<f64> {
    (whole > 0).then(|| rounded(float(part) / float(whole), digits))
}

/// The quotient as a whole number, ties to even; `None` by zero.
pub fn whole(dividend: u64, divisor: u64) -> Option<u64> {
    let floor = dividend.checked_div(divisor)?;
    let rest = dividend.checked_rem(divisor)?;
    let up = match (rest.saturating_mul(2)).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    Some(floor + u64::from(up))
}

/// The mean: the exact sum divided once, so that it depends neither on order nor on the way of adding. `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let (mut high, mut low) = (0.0, 0.0);
    for value in values {
        let (sum, error) = two_sum(high, *value);
        (high, low) = two_sum(sum, low + error);
    }
    let divisor = float(count(values.len()));
    let quotient = high / divisor;
    let rest = (-quotient).mul_add(divisor, high) + low;
    Some(quotient + rest / divisor)
}

/// A sum and what its rounding lost.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_seen = sum - a;
    (sum, (a - (sum - b_seen)) + (b - b_seen))
}

#[cfg(test)]
mod tests {
    use super::{float, mean, rounded, whole};

    #[test]
    fn rounding_is_pythons() {
        // Python: round(2.675, 2), round(0.125, 2), round(-0.001, 2) + 0.0, round(2.205, 2)
        assert_eq!(rounded(2.675, 2).to_bits(), 2.67_f64.to_bits());
        assert_eq!(rounded(0.125, 2).to_bits(), 0.12_f64.to_bits());
        assert_eq!(rounded(-0.001, 2).to_bits(), 0.0_f64.to_bits());
        assert_eq!(rounded(2.205, 2).to_bits(), 2.21_f64.to_bits());
        assert_eq!(
            [whole(5, 2), whole(7, 2), whole(9, 4), whole(1, 0)],
            [Some(2), Some(4), Some(2), None]
        );
    }

    #[test]
    fn a_mean_does_not_depend_on_order() {
        let values = [0.1, 0.2, 0.3, -0.1, -0.2, -0.3, 0.4404, -0.5719];
        let mut reversed = values;
        reversed.reverse();
        assert_eq!(
            mean(&values).map(f64::to_bits),
            mean(&reversed).map(f64::to_bits)
        );
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn large_counts_stay_exact() {
        assert_eq!(
            float(6_048_000_000_001).to_bits(),
            6_048_000_000_001.0_f64.to_bits()
        );
    }
}
