// Matrix products of bf16 numbers in the tile registers of processors with AMX: 16 rows times 16 outputs at a time.
//
// The hardware fixes the order of a row's sums, so that it does not depend on the rows beside it.

#pragma once

#include "numbers.h"

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define TUNESMITH_TILES 1
#endif

constexpr int TILE = 16;  // rows of a tile; its rows are 64 bytes: 32 bf16 inputs, or 16 fp32 sums

namespace {

#if defined(TUNESMITH_TILES)

// Linux grants tile registers to processes that ask; a machine that runs this one as a guest may refuse.
inline bool tiles_granted() {
    static const bool granted = syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* XTILEDATA */) == 0;
    return granted;
}

// Tile registers of this thread are in use as long as this lives.
struct Tiles {
    const bool used;
    explicit Tiles(bool wanted) : used(wanted && tiles_granted()) {
        if (!used) return;
        struct alignas(64) {
            uint8_t palette = 1, start = 0, reserved[14] = {};
            uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
            uint8_t rows[16] = {TILE, TILE, TILE, TILE, TILE, TILE, TILE, TILE};
        } shape;
        _tile_loadconfig(&shape);
    }
    ~Tiles() {
        if (used) _tile_release();
    }
};

// 16 rows of 16 units of 32 bits, turned over: first by pairs of rows, then by fours, eights and sixteens.
inline void turn(__m512i* m) {
    __m512i t[TILE];
    for (int i = 0; i < TILE; i += 2) {
        t[i] = _mm512_unpacklo_epi32(m[i], m[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(m[i], m[i + 1]);
    }
    for (int i = 0; i < TILE; i += 4) {
        m[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        m[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        m[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        m[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < TILE; ++i) {
        const int a = i / 8 * 8 + i % 4;
        t[i] = i % 8 < 4 ? _mm512_shuffle_i32x4(m[a], m[a + 4], 0x88) : _mm512_shuffle_i32x4(m[a], m[a + 4], 0xdd);
    }
    for (int i = 0; i < 8; ++i) {
        m[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        m[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    }
}

// The same in memory, rows `stride` units apart.
inline void turn(const void* from, int64_t stride, void* to, int64_t to_stride) {
    __m512i m[TILE];
    for (int64_t i = 0; i < TILE; ++i) m[i] = _mm512_loadu_si512(static_cast<const uint32_t*>(from) + i * stride);
    turn(m);
    for (int64_t i = 0; i < TILE; ++i) _mm512_storeu_si512(static_cast<uint32_t*>(to) + i * to_stride, m[i]);
}

// Where the tiles of one side of a product are: the first, and the second (its rows or columns 16 to 31), with `bytes` from
// one of their rows to the next, and `step` numbers from a tile to the one that is summed after it.
struct Side {
    const uint16_t *first, *second;
    int64_t bytes, step;
};

// M times N tiles of sums, the rows of `upper` (and of `lower`, from the 16th on) `bytes` apart, = or (`add`) += the products of
// `steps` tiles. Calls `each` with the number of every step.
template <int M, int N, class Each>
inline void tile_products(const Side& left, const Side& right, int64_t steps, float* upper, float* lower, int64_t bytes, bool add, Each each) {
    if (add) {
        _tile_loadd(0, upper, bytes);
        if constexpr (N > 1) _tile_loadd(1, upper + TILE, bytes);
        if constexpr (M > 1) _tile_loadd(2, lower, bytes);
        if constexpr (M > 1 && N > 1) _tile_loadd(3, lower + TILE, bytes);
    } else {
        _tile_zero(0);
        if constexpr (N > 1) _tile_zero(1);
        if constexpr (M > 1) _tile_zero(2);
        if constexpr (M > 1 && N > 1) _tile_zero(3);
    }
    for (int64_t k = 0; k < steps; ++k) {
        each(k);
        _tile_loadd(4, left.first + k * left.step, left.bytes);
        _tile_loadd(6, right.first + k * right.step, right.bytes);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (N > 1) {
            _tile_loadd(7, right.second + k * right.step, right.bytes);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (M > 1) {
            _tile_loadd(5, left.second + k * left.step, left.bytes);
            _tile_dpbf16ps(2, 5, 6);
        }
        if constexpr (M > 1 && N > 1) _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, upper, bytes);
    if constexpr (N > 1) _tile_stored(1, upper + TILE, bytes);
    if constexpr (M > 1) _tile_stored(2, lower, bytes);
    if constexpr (M > 1 && N > 1) _tile_stored(3, lower + TILE, bytes);
}

// sums (16 or 32 rows, 2 LANES) of rows x (stride apart) times one panel of `steps` times 32 inputs.
template <bool two>
inline void tile_sums(const uint16_t* x, int64_t stride, int64_t steps, const uint16_t* panel, float* sums) {
    const Side left = {x, x + TILE * stride, stride * 2, 32}, right = {panel, panel + 32, 128, 1024};
    tile_products<two ? 2 : 1, 2>(left, right, steps, sums, sums + TILE * 2 * LANES, 2 * LANES * sizeof(float), false, [](int64_t) {});
}

#else

struct Tiles {
    const bool used = false;
    explicit Tiles(bool) {}
};
template <bool two>
inline void tile_sums(const uint16_t*, int64_t, int64_t, const uint16_t*, float*) {}

#endif

}  // namespace
