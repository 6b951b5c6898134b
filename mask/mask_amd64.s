//go:build !purego

#include "textflag.h"

// Both functions work alike, with vectors of 32 and of 64 bytes. No data is too short
// for a loop and a remainder: up to eight vectors are covered by as many as needed,
// the latter half of which end with the data and overlap the former. Longer data is
// covered by one vector at its beginning, a loop over whole blocks of four from the
// first aligned address of dst on, and four vectors at its end. Vectors that overlap
// would in place mask some bytes twice; so the first one and the last four are loaded
// before anything is stored, and stored after all the rest, with the same result.
//
// A vector at byte i takes the key rotated by i bytes. Keys are little-endian, so that
// this is a rotation to the right by 8i bits, of which i mod 4 count.

// Data of this size and above does not stay in the first-level cache, where the
// hardware sees the next loads coming but not the next stores: it is prefetched.
#define FAR $49152
#define AHEAD 512

// func xorAVX2(dst, src *byte, n int, k uint32)
TEXT ·xorAVX2(SB), NOSPLIT|NOFRAME, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), BX
	MOVL k+24(FP), AX
	MOVL BX, CX
	SHLL $3, CX
	MOVL AX, DX
	RORL CX, DX
	VMOVD AX, X0
	VMOVD DX, X1
	VPBROADCASTD X0, Y0 // the key at the beginning
	VPBROADCASTD X1, Y1 // the key at whole vectors before the end
	CMPQ BX, $128
	JHI  over128

	// 64 to 128 bytes
	VPXOR   (SI), Y0, Y2
	VPXOR   32(SI), Y0, Y3
	VPXOR   -64(SI)(BX*1), Y1, Y4
	VPXOR   -32(SI)(BX*1), Y1, Y5
	VMOVDQU Y2, (DI)
	VMOVDQU Y3, 32(DI)
	VMOVDQU Y4, -64(DI)(BX*1)
	VMOVDQU Y5, -32(DI)(BX*1)
	VZEROUPPER
	RET

over128:
	VPXOR -128(SI)(BX*1), Y1, Y6
	VPXOR -96(SI)(BX*1), Y1, Y7
	VPXOR -64(SI)(BX*1), Y1, Y8
	VPXOR -32(SI)(BX*1), Y1, Y9
	CMPQ  BX, $256
	JHI   over256

	// 129 to 256 bytes
	VPXOR   (SI), Y0, Y2
	VPXOR   32(SI), Y0, Y3
	VPXOR   64(SI), Y0, Y4
	VPXOR   96(SI), Y0, Y5
	VMOVDQU Y2, (DI)
	VMOVDQU Y3, 32(DI)
	VMOVDQU Y4, 64(DI)
	VMOVDQU Y5, 96(DI)
	VMOVDQU Y6, -128(DI)(BX*1)
	VMOVDQU Y7, -96(DI)(BX*1)
	VMOVDQU Y8, -64(DI)(BX*1)
	VMOVDQU Y9, -32(DI)(BX*1)
	VZEROUPPER
	RET

over256:
	VPXOR (SI), Y0, Y10
	MOVQ  DI, R8              // where the first vector goes
	LEAQ  -128(DI)(BX*1), R9  // where the last four go
	ORQ   $31, DI
	INCQ  DI                  // the first aligned address after R8
	MOVQ  DI, CX
	SUBQ  R8, CX              // 1 to 32
	ADDQ  CX, SI
	SHLL  $3, CX
	RORL  CX, AX
	VMOVD AX, X0
	VPBROADCASTD X0, Y0       // the key from there on
	CMPQ  BX, FAR
	JHS   far

near:
	VPXOR   (SI), Y0, Y2
	VPXOR   32(SI), Y0, Y3
	VPXOR   64(SI), Y0, Y4
	VPXOR   96(SI), Y0, Y5
	VMOVDQA Y2, (DI)
	VMOVDQA Y3, 32(DI)
	VMOVDQA Y4, 64(DI)
	VMOVDQA Y5, 96(DI)
	ADDQ    $128, SI
	ADDQ    $128, DI
	CMPQ    DI, R9
	JLO     near

rest:
	VMOVDQU Y10, (R8)
	VMOVDQU Y6, (R9)
	VMOVDQU Y7, 32(R9)
	VMOVDQU Y8, 64(R9)
	VMOVDQU Y9, 96(R9)
	VZEROUPPER
	RET

far:
	PREFETCHT0 (AHEAD+0)(SI)
	PREFETCHT0 (AHEAD+64)(SI)
	PREFETCHT0 (AHEAD+0)(DI)
	PREFETCHT0 (AHEAD+64)(DI)
	VPXOR   (SI), Y0, Y2
	VPXOR   32(SI), Y0, Y3
	VPXOR   64(SI), Y0, Y4
	VPXOR   96(SI), Y0, Y5
	VMOVDQA Y2, (DI)
	VMOVDQA Y3, 32(DI)
	VMOVDQA Y4, 64(DI)
	VMOVDQA Y5, 96(DI)
	ADDQ    $128, SI
	ADDQ    $128, DI
	CMPQ    DI, R9
	JLO     far
	JMP     rest

// func xorAVX512(dst, src *byte, n int, k uint32)
TEXT ·xorAVX512(SB), NOSPLIT|NOFRAME, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), BX
	MOVL k+24(FP), AX
	MOVL BX, CX
	SHLL $3, CX
	MOVL AX, DX
	RORL CX, DX
	VPBROADCASTD AX, Z0 // the key at the beginning
	VPBROADCASTD DX, Z1 // the key at whole vectors before the end
	CMPQ BX, $128
	JHI  over128

	// 64 to 128 bytes
	VPXORD    (SI), Z0, Z2
	VPXORD    -64(SI)(BX*1), Z1, Z3
	VMOVDQU64 Z2, (DI)
	VMOVDQU64 Z3, -64(DI)(BX*1)
	VZEROUPPER
	RET

over128:
	CMPQ BX, $256
	JHI  over256

	// 129 to 256 bytes
	VPXORD    (SI), Z0, Z2
	VPXORD    64(SI), Z0, Z3
	VPXORD    -128(SI)(BX*1), Z1, Z4
	VPXORD    -64(SI)(BX*1), Z1, Z5
	VMOVDQU64 Z2, (DI)
	VMOVDQU64 Z3, 64(DI)
	VMOVDQU64 Z4, -128(DI)(BX*1)
	VMOVDQU64 Z5, -64(DI)(BX*1)
	VZEROUPPER
	RET

over256:
	VPXORD -256(SI)(BX*1), Z1, Z6
	VPXORD -192(SI)(BX*1), Z1, Z7
	VPXORD -128(SI)(BX*1), Z1, Z8
	VPXORD -64(SI)(BX*1), Z1, Z9
	CMPQ   BX, $512
	JHI    over512

	// 257 to 512 bytes
	VPXORD    (SI), Z0, Z2
	VPXORD    64(SI), Z0, Z3
	VPXORD    128(SI), Z0, Z4
	VPXORD    192(SI), Z0, Z5
	VMOVDQU64 Z2, (DI)
	VMOVDQU64 Z3, 64(DI)
	VMOVDQU64 Z4, 128(DI)
	VMOVDQU64 Z5, 192(DI)
	VMOVDQU64 Z6, -256(DI)(BX*1)
	VMOVDQU64 Z7, -192(DI)(BX*1)
	VMOVDQU64 Z8, -128(DI)(BX*1)
	VMOVDQU64 Z9, -64(DI)(BX*1)
	VZEROUPPER
	RET

over512:
	VPXORD (SI), Z0, Z10
	MOVQ   DI, R8             // where the first vector goes
	LEAQ   -256(DI)(BX*1), R9 // where the last four go
	ORQ    $63, DI
	INCQ   DI                 // the first aligned address after R8
	MOVQ   DI, CX
	SUBQ   R8, CX             // 1 to 64
	ADDQ   CX, SI
	SHLL   $3, CX
	RORL   CX, AX
	VPBROADCASTD AX, Z0       // the key from there on
	CMPQ   BX, FAR
	JHS    far

near:
	VPXORD    (SI), Z0, Z2
	VPXORD    64(SI), Z0, Z3
	VPXORD    128(SI), Z0, Z4
	VPXORD    192(SI), Z0, Z5
	VMOVDQA64 Z2, (DI)
	VMOVDQA64 Z3, 64(DI)
	VMOVDQA64 Z4, 128(DI)
	VMOVDQA64 Z5, 192(DI)
	ADDQ      $256, SI
	ADDQ      $256, DI
	CMPQ      DI, R9
	JLO       near

rest:
	VMOVDQU64 Z10, (R8)
	VMOVDQU64 Z6, (R9)
	VMOVDQU64 Z7, 64(R9)
	VMOVDQU64 Z8, 128(R9)
	VMOVDQU64 Z9, 192(R9)
	VZEROUPPER
	RET

far:
	PREFETCHT0 (AHEAD+0)(SI)
	PREFETCHT0 (AHEAD+64)(SI)
	PREFETCHT0 (AHEAD+128)(SI)
	PREFETCHT0 (AHEAD+192)(SI)
	PREFETCHT0 (AHEAD+0)(DI)
	PREFETCHT0 (AHEAD+64)(DI)
	PREFETCHT0 (AHEAD+128)(DI)
	PREFETCHT0 (AHEAD+192)(DI)
	VPXORD    (SI), Z0, Z2
	VPXORD    64(SI), Z0, Z3
	VPXORD    128(SI), Z0, Z4
	VPXORD    192(SI), Z0, Z5
	VMOVDQA64 Z2, (DI)
	VMOVDQA64 Z3, 64(DI)
	VMOVDQA64 Z4, 128(DI)
	VMOVDQA64 Z5, 192(DI)
	ADDQ      $256, SI
	ADDQ      $256, DI
	CMPQ      DI, R9
	JLO       far
	JMP       rest
