//! The normal distribution: quantile by Wichura's algorithm AS 241 (Applied Statistics 37, 1988,
//! routine PPND16, relative error about 1e-16), tails through libm's `erfc`.

/// The value that a standard normal variable is below with probability `p` in (0, 1).
pub fn quantile(p: f64) -> f64 {
    if p <= 0.5 { -upper_quantile(p) } else { upper_quantile(1.0 - p) }
}

/// The value ≥ 0 that a standard normal variable exceeds with probability `tail` in (0, ½]. Exact
/// for tails as small as floating-point numbers go.
pub fn upper_quantile(tail: f64) -> f64 {
    let q = 0.5 - tail;
    if q <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(&MIDDLE, r);
    }
    let r = libm::sqrt(-libm::log(tail));
    if r <= 5.0 { ratio(&NEAR, r - 1.6) } else { ratio(&FAR, r - 5.0) }
}

/// The probability that a standard normal variable is below `z`.
pub fn below(z: f64) -> f64 {
    above(-z)
}

/// The probability that a standard normal variable is above `z`.
pub(super) fn above(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The density at `z`.
pub(super) fn density(z: f64) -> f64 {
    const ONE_OVER_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
    ONE_OVER_SQRT_TAU * libm::exp(-0.5 * z * z)
}

/// Numerator and denominator, highest power first.
type Ratio = [[f64; 8]; 2];

fn ratio(coefficients: &Ratio, r: f64) -> f64 {
    let [numerator, denominator] =
        coefficients.map(|row| row.iter().fold(0.0, |sum, c| sum * r + c));
    numerator / denominator
}

/// Within 0.425 of the middle.
const MIDDLE: Ratio = [
    [
        2_509.080_928_730_122_7,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ],
    [
        5_226.495_278_852_545,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ],
];

/// Tails down to exp(−25).
const NEAR: Ratio = [
    [
        7.745_450_142_783_414e-4,
        2.272_384_498_926_918_4e-2,
        2.417_807_251_774_506e-1,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        1.519_866_656_361_645_7e-2,
        1.481_039_764_274_800_8e-1,
        6.897_673_349_851e-1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
];

/// Beyond.
const FAR: Ratio = [
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        1.242_660_947_388_078_4e-3,
        2.653_218_952_657_612_4e-2,
        2.965_605_718_285_049e-1,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        1.487_536_129_085_061_5e-2,
        1.369_298_809_227_358e-1,
        5.998_322_065_558_88e-1,
        1.0,
    ],
];
