// What both kernels are made of: vectors of the processor's width, and the share of the work that a thread has.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include <omp.h>

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX2__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif

typedef float Vector __attribute__((vector_size(LANES * 4)));
typedef float Unaligned __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t Integers __attribute__((vector_size(LANES * 4)));

namespace {

inline Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }

// `n` <= LANES numbers, zeros after them.
inline Vector load_some(const float* from, int64_t n) {
    float lanes[LANES] = {};
    std::memcpy(lanes, from, n * sizeof(float));
    return load(lanes);
}
inline void store_some(float* to, Vector value, int64_t n) { std::memcpy(to, &value, n * sizeof(float)); }

inline float sum(Vector value) {
    float lanes[LANES];
    std::memcpy(lanes, &value, sizeof lanes);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    return lanes[0];
}

inline float dot(const float* a, const float* b, int64_t n) {
    Vector sums = {};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) sums += load(a + i) * load(b + i);
    float total = sum(sums);
    for (; i < n; ++i) total += a[i] * b[i];
    return total;
}

// exp to about one unit in the last place; beyond -87 and 88 it stays as it is there.
inline Vector exponential(Vector x) {
    const Vector low = Vector{} - 87.0f, high = Vector{} + 88.0f;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const Vector magic = Vector{} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    const Vector n = (x * 1.44269504f + magic) - magic;
    Vector r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    Vector p = Vector{} + 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
    Vector scale;
    std::memcpy(&scale, &power, sizeof scale);
    return p * scale;
}

// The part of `n` pieces of work that belongs to this thread.
struct Share {
    int64_t begin, end;
    explicit Share(int64_t n) {
        const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
        begin = n * thread / threads;
        end = n * (thread + 1) / threads;
    }
};

}  // namespace
