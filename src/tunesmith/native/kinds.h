// The numbers that weights, keys and values are kept in: fp32, or bf16 whose products are summed in fp32.
//
// A unit is what a product takes at a time: one fp32 number, or two bf16 numbers that lie side by side. A vector of
// units times one unit is LANES sums more.

#pragma once

#include "numbers.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace {

struct Fp32 {
    typedef float Number;
    typedef float Unit;
    typedef Vector Units;
    static constexpr int PAIR = 1;   // numbers in a unit
    static constexpr int GRAIN = 1;  // rows of numbers are filled up with zeros to a multiple of this

    static float widen(Number x) { return x; }
    static Number narrow(float x) { return x; }
    static void put(Number* to, Vector value) { store(to, value); }
    static Units units(const Number* from) { return load(from); }
    static Units first_only(Units units) { return units; }
    static Vector add(Vector sums, Units units, Unit x) { return sums + units * x; }
};

struct Bf16 {
    typedef uint16_t Number;
    typedef uint32_t Unit;
    typedef Bits Units;
    typedef uint32_t UnalignedUnits __attribute__((vector_size(LANES * 4), aligned(2), may_alias));
    static constexpr int PAIR = 2;
    static constexpr int GRAIN = 32;

    static float as_float(uint32_t bits) {
        float value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
    static float widen(Number x) { return as_float(static_cast<uint32_t>(x) << 16); }
    // To nearest, ties to even; a NaN stays one.
    static Number narrow(float x) {
        uint32_t bits;
        std::memcpy(&bits, &x, sizeof bits);
        return x != x ? 0x7fc0 : static_cast<Number>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
    static void put(Number* to, Vector value) {
        const Halves numbers = narrowed(value);
        std::memcpy(to, &numbers, sizeof numbers);
    }
    static Units units(const Number* from) { return *reinterpret_cast<const UnalignedUnits*>(from); }
    static Units first_only(Units units) { return units & 0xffff; }
    static Vector add(Vector sums, Units units, Unit x) {
#if defined(__AVX512BF16__)
        return (Vector)_mm512_dpbf16_ps((__m512)sums, (__m512bh)units, (__m512bh)_mm512_set1_epi32(x));
#else
        const Units low = units << 16, high = units & 0xffff0000;
        Vector even, odd;
        std::memcpy(&even, &low, sizeof even);
        std::memcpy(&odd, &high, sizeof odd);
        return sums + odd * as_float(x & 0xffff0000) + even * as_float(x << 16);
#endif
    }
};

// Unit `index` of a row of numbers.
template <class Kind>
inline typename Kind::Unit unit(const typename Kind::Number* row, int64_t index) {
    typename Kind::Unit value;
    std::memcpy(&value, row + index * Kind::PAIR, sizeof value);
    return value;
}

// LANES floats, of which `n` count.
template <class Kind>
inline void put_some(typename Kind::Number* to, Vector value, int64_t n) {
    if (n >= LANES) return Kind::put(to, value);
    typename Kind::Number lanes[LANES];
    Kind::put(lanes, value);
    std::memcpy(to, lanes, n * sizeof *to);
}

template <class Kind>
inline int64_t padded(int64_t n) { return (n + Kind::GRAIN - 1) / Kind::GRAIN * Kind::GRAIN; }

}  // namespace
