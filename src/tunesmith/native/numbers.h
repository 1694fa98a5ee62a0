// Numbers as they lie in memory, fp32 or bf16, read and written as vectors of fp32.

#pragma once

#include "vectors.h"

// bf16: the upper half of an fp32.
struct Bf16Number {
    uint16_t bits;
};

typedef uint16_t Halves __attribute__((vector_size(LANES * 2)));
typedef uint16_t UnalignedHalves __attribute__((vector_size(LANES * 2), aligned(2), may_alias));
typedef uint32_t Bits __attribute__((vector_size(LANES * 4)));

namespace {

inline Vector widened(Halves halves) {
    const Bits bits = __builtin_convertvector(halves, Bits) << 16;
    Vector value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// To the nearest, ties to even; what is not a number stays none.
inline Halves narrowed(Vector value) {
    Bits bits;
    std::memcpy(&bits, &value, sizeof bits);
    const Bits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return __builtin_convertvector(value == value ? rounded : Bits{} + 0x7fc0u, Halves);
}

// The first `n` <= LANES numbers, zeros after them.
inline Vector get(const float* from, int64_t n) { return n == LANES ? load(from) : load_some(from, n); }
inline Vector get(const Bf16Number* from, int64_t n) {
    if (n == LANES) return widened(*reinterpret_cast<const UnalignedHalves*>(from));
    Halves halves = {};
    std::memcpy(&halves, from, n * sizeof(Bf16Number));
    return widened(halves);
}

inline void put(float* to, Vector value, int64_t n) {
    if (n == LANES) store(to, value);
    else store_some(to, value, n);
}
inline void put(Bf16Number* to, Vector value, int64_t n) {
    const Halves halves = narrowed(value);
    if (n == LANES) *reinterpret_cast<UnalignedHalves*>(to) = halves;
    else std::memcpy(to, &halves, n * sizeof(Bf16Number));
}

// Calls `each(begin, count)` for pieces of at most LANES of [0, n).
template <typename Each>
inline void pieces(int64_t n, Each each) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) each(i, static_cast<int64_t>(LANES));
    if (i < n) each(i, n - i);
}

// The largest of `n` numbers, each times `scale`; what is not a number does not count.
template <typename Number>
inline float largest(const Number* from, int64_t n, float scale) {
    Vector found = Vector{} - INFINITY;
    pieces(n, [&](int64_t i, int64_t some) {
        Vector value = get(from + i, some) * scale;
        for (int64_t j = some; j < LANES; ++j) value[j] = -INFINITY;
        found = value > found ? value : found;
    });
    float most = found[0];
    for (int j = 1; j < LANES; ++j) most = found[j] > most ? found[j] : most;
    return most;
}

// Calls `each` with a number of the kind that takes `bytes`.
template <typename Each>
inline void with_number(int64_t bytes, Each each) {
    if (bytes == sizeof(Bf16Number)) each(Bf16Number{});
    else each(0.0f);
}

}  // namespace
